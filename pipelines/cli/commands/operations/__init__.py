"""Commands for whoever runs Rescue: settings, status, retention, backups."""
