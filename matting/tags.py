"""The attribute tags: attributes of an image, such as glasses, by the names that every manifest and report uses."""

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
"""Each a column of a manifest."""
