"""What keeps a Rails client's streams going: redundant connections that are one, and commands in phases."""
