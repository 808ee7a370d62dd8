# SPDX-License-Identifier: Apache-2.0
"""nano GroundingDINO: model, trainer and export."""
