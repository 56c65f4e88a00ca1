"""``python -m bigone_sync``: the same as the command ``bigone-sync``."""

from __future__ import annotations

from bigone_sync.cli import main

if __name__ == "__main__":
    main(prog_name="bigone-sync")
