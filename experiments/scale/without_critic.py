"""The command ``matting`` without the critic of gate 2, whose network takes the same time for each pair."""

from matting.cli import main
from matting.curation import learned_rules
from matting.curation.finding import Finding

# Here and not below, because each worker of a pool imports this script.
learned_rules._finding = lambda pair, fault: Finding(0.0)

if __name__ == "__main__":
    main()
