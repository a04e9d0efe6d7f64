"""The data: sources on disk, the plan of what is drawn from them, and the loader that follows the plan."""
