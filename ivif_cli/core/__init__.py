"""The core package: six rooms (network, language, data, metrics, training, fusing) without any command line."""
