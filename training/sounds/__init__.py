# SPDX-License-Identifier: Apache-2.0
"""Sounds of stamp world with known truth: who sounds when, under which names."""
