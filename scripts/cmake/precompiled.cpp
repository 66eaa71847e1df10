// Carries a precompiled header that the layers share.
