# SPDX-License-Identifier: Apache-2.0
"""LanguageBind's towers of sound and text (arXiv:2310.01852) at a small size, for stamps."""
