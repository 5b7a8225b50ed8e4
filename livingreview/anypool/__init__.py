"""``livingreview pool``: the review's methods for any CSV. Read (``table``), choose and fit (``answer``), print (``text``)."""
