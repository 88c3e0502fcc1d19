"""What τ0 learns from: demonstrations, errors, branches from one moment, hand video, a hand-held gripper."""
