# SPDX-License-Identifier: Apache-2.0
"""BEATs (arXiv:2212.09058) at a small size, under the official names, trained on stamp world's sounds."""
