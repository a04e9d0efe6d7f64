"""The attribute tags of an image, such as glasses, as they are named in every manifest and report."""

TAGS = (
    "backlit",
    "side_backlit",
    "glasses",
    "hat",
    "scarf",
    "motion_blur",
    "low_resolution",
    "group",
    "overlap",
    "tiny",
)
"""Names of the tags; each is a column of a manifest."""
