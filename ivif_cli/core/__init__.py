"""The core package, without any command line; docs/architecture.md says what each of its rooms is for."""
