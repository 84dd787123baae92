"""Recipes: TOML and options to one checked dataclass, and back."""

from pathlib import Path

import pytest

from ivif_cli.core.errors import UsageError
from ivif_cli.core.training.recipe import Recipe, find_recipe, load_recipe, parse_setting, to_table, to_toml


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


def test_printed_recipe_reads_back_the_same(tmp_path: Path) -> None:
    recipe = load_recipe(None, {"fused_text": 'a "clear"\\image', "crops.noise": 0.5, "words.phi": 2})
    assert load_recipe(written(tmp_path, to_toml(to_table(recipe)))) == recipe


def test_defaults_without_a_file() -> None:
    assert load_recipe() == Recipe()


def test_options_override_the_file_and_reach_inner_groups(tmp_path: Path) -> None:
    path = written(tmp_path, "steps = 7\n[words.patches]\ncount = 5\n[optimiser]\nlearning_rate = 1\n")
    recipe = load_recipe(path, {"steps": 9, "words.patches.filter": "none", "seed": None})
    assert (recipe.steps, recipe.words.patches.count, recipe.words.patches.filter) == (9, 5, "none")
    assert recipe.optimiser.learning_rate == 1.0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("stps = 3", "stps.*did you mean steps"),
        ("[optimiser]\nlearning_rat = 3", "did you mean optimiser.learning_rate"),
        ("steps = 'many'", "steps = 'many': expected a value of type int"),
        ("steps = true", "expected a value of type int"),
        ("optimiser = 3", "group of settings"),
        ("steps = 0", "steps must be at least 1"),
        ("[words.patches]\nfilter = 'best'", "filter must be one of"),
        ("[crops]\nmin_side = 300", "min_side"),
        ("[crops]\nsize = 100", "crops.size must be a multiple of 32"),
        ("[crops]\nsize = 32", "crops.size must be at least 64"),
        ("[words]\nagainst = 'nothing'", "words.against must be one of patch, whole"),
        ("[words]\nprecision = 'fp8'", "words.precision must be one of"),
        ("[goals]\nnamed = 1.5", "goals.default, named and dials must be shares"),
        ("[keeping]\nretentoin = 3", "did you mean keeping.retention"),
        ("[balance]\nlean = 6.0", "balance.lean must be within 6 either way"),
        ("[balance]\ncoarse = nan", "balance.coarse must be a finite number"),
        ("diverged = inf", "diverged must be a finite number"),
        ("[words.patches]\nrotation = nan", "words.patches.rotation must be a finite number"),
        ("[optimiser]\nlearning_rate = inf", "optimiser.learning_rate must be a finite number"),
        ("[optimiser]\nlearning_rate = 0.0", "optimiser.learning_rate must be above 0"),
        ("[optimiser]\nbeta1 = 1.0", r"optimiser.beta1 and beta2 must be in \[0, 1\)"),
        ("[optimiser]\nbeta2 = -0.1", r"optimiser.beta1 and beta2 must be in \[0, 1\)"),
        ("[optimiser]\nweight_decay = -1", "optimiser.weight_decay must be at least 0"),
        ("[optimiser]\nclip = -1", "optimiser.clip must be at least 0"),
        ("[crops]\nmin_scene = 0.0", "crops.min_scene must be above 0 and at most 1"),
        ("[crops]\nmin_scene = 1.5", "crops.min_scene must be above 0 and at most 1"),
        ("[crops]\nmax_blur = 0.3", "crops.max_blur must be at least 0.4"),
        ("[trim]\npairs = -1", "trim.pairs must be at least 0"),
        ("[optimiser]\nschedule = 'cosin'", "schedule must be one of"),
        ("steps = ", "not a TOML file"),
    ],
)
def test_bad_recipes_are_refused_by_name(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=told):
        load_recipe(written(tmp_path, text))


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read recipe"):
        load_recipe(tmp_path / "none.toml")


def test_settings_on_the_command_line() -> None:
    assert parse_setting("optimiser.learning_rate=1e-3") == ("optimiser.learning_rate", 1e-3)
    assert parse_setting("optimiser.schedule = constant") == ("optimiser.schedule", "constant")
    assert parse_setting("some.list=[1, 3]") == ("some.list", [1, 3])
    with pytest.raises(UsageError, match="NAME=VALUE"):
        parse_setting("steps")
    with pytest.raises(UsageError, match="steps is a value"):
        load_recipe(None, {"steps": 3, "steps.more": 4})


@pytest.mark.parametrize("name", ["base", "fast"])
def test_bundled_recipes_are_found_by_name(name: str) -> None:
    assert load_recipe(find_recipe(name)).network == name


def test_a_recipe_is_a_file_a_name_or_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, "steps = 7\n")
    assert find_recipe(None) is None
    assert find_recipe(str(path)) == path
    with pytest.raises(UsageError, match=r"unknown recipe: bass.*base"):
        find_recipe("bass")
