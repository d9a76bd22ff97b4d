"""The review app: a customer-success team's morning, as pages rendered on the server.

``app.create_app`` joins the parts: ``pages`` answer the browser, ``views`` turn rows into what a page says,
``templates`` and ``static`` are how it looks, ``identity`` is who is asking, ``api`` the same for machines. Everything
works without script; the one script makes it quicker.
"""
