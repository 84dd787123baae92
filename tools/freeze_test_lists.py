"""Write the frozen test lists from folders of real pairs: `python tools/freeze_test_lists.py FOLDER`.

FOLDER holds one folder a dataset, each with `ir/` and `vi/`. Run by hand, once for each edition of the lists.
"""

import json
import sys
from pathlib import Path

from ivif_cli.core.data.datasets import DATASETS, open_dataset
from ivif_cli.core.errors import DatasetError
from ivif_cli.core.scoring.frozen_lists import list_hash

TARGET = Path(__file__).resolve().parent.parent / "ivif_cli" / "core" / "scoring" / "frozen_lists.json"


def main(root: Path) -> None:
    lists = {}
    for name in DATASETS:
        try:
            stems = sorted(pair.name for pair in open_dataset(name, root).pairs)
        except DatasetError as error:
            print(error, file=sys.stderr)
            continue
        lists[name] = {"sha256": list_hash(stems), "stems": stems}
    lines = ",\n".join(f'"{name}": {json.dumps(entry)}' for name, entry in lists.items())
    TARGET.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    print({name: len(entry["stems"]) for name, entry in lists.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
