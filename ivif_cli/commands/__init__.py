"""The commands, one module each; a module is light to import and loads what it needs when its command runs."""
