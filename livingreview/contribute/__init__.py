"""Evidence in: citations, proposals, forms, second readings."""
