"""The sample world: invented channels and invented prices around the names of real companies."""
