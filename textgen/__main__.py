"""The entry point of the package as a module, and of the command `textgen`."""

from textgen.cli.main import main

if __name__ == "__main__":
    main()
