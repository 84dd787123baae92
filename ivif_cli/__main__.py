"""`python -m ivif_cli`: the same program as the console script `ivif`."""

from ivif_cli.app import main

if __name__ == "__main__":
    main()
