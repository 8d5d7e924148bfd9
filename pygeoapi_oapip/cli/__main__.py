"""`python -m pygeoapi_oapip.cli`: the same as `oapip`."""

from . import main

main(prog_name="oapip")
