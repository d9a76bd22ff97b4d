"""Chat with buttons: the Slack app, its messages, and who a member of the workspace is."""
