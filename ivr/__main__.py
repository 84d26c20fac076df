"""`python -m ivr` is `tieline`."""

from ivr.cli.main import main

main()
