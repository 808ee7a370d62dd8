# SPDX-License-Identifier: Apache-2.0
"""Recipes that make the embedded weights and the test world."""
