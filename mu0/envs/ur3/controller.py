"""From a wanted TCP pose to joint angles: damped least squares on MuJoCo's Jacobian.

Each iteration moves the joints by J^T (J J^T + lambda^2 I)^-1 e, where e stacks the position error [m] and
the rotation error [rad]; damping keeps steps small near singularities (Wampler 1986, Nakamura and Hanafusa
1986).
Kinematics runs on a copy of the state, so solving never disturbs the simulation.
"""

import mujoco
import numpy as np
from jaxtyping import Float

DAMPING = 0.02
MAX_STEP_RAD = 0.2
N_JOINTS = 6


def top_down_rotation(yaw_rad: float) -> Float[np.ndarray, "3 3"]:
    """`base_from_tcp` rotation of a gripper that points down and opens along `yaw_rad` + 90 degrees."""
    cosine, sine = np.cos(yaw_rad), np.sin(yaw_rad)
    return np.array([[-cosine, -sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, -1.0]])


class InverseKinematics:
    """Solves for the six arm joints; `joints_rad` is where the last solution ended."""

    def __init__(self, model: mujoco.MjModel) -> None:
        self._model = model
        self._scratch = mujoco.MjData(model)
        self._tcp = model.site("tcp").id
        addresses = [int(model.joint(name).qposadr[0]) for name in ("shoulder_pan", "wrist_3")]
        self._arm = slice(addresses[0], addresses[1] + 1)
        first_dof = int(model.joint("shoulder_pan").dofadr[0])
        self._dofs = slice(first_dof, first_dof + N_JOINTS)
        self._jacobian = np.zeros((6, model.nv))
        self.joints_rad = np.zeros(N_JOINTS)

    def solve(
        self,
        position_m: Float[np.ndarray, " 3"],
        rotation: Float[np.ndarray, "3 3"],
        n_iterations: int = 3,
    ) -> float:
        """Move `joints_rad` towards the pose.

        Args:
            position_m: Wanted TCP position, base frame.
            rotation: Wanted `base_from_tcp` rotation.
            n_iterations: Three follow a moving target; eighty reach one from far.

        Returns:
            Distance to the wanted position before the last iteration [m].
        """
        data = self._scratch
        data.qpos[self._arm] = self.joints_rad
        error = np.zeros(6)
        for _ in range(n_iterations):
            mujoco.mj_kinematics(self._model, data)
            mujoco.mj_comPos(self._model, data)
            mujoco.mj_jacSite(self._model, data, self._jacobian[:3], self._jacobian[3:], self._tcp)
            error[:3] = position_m - data.site_xpos[self._tcp]
            turn = rotation @ data.site_xmat[self._tcp].reshape(3, 3).T
            error[3:] = 0.5 * np.array(
                [turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]]
            )
            jacobian = self._jacobian[:, self._dofs]
            damped = jacobian @ jacobian.T + DAMPING**2 * np.eye(6)
            step = jacobian.T @ np.linalg.solve(damped, error)
            data.qpos[self._arm] += np.clip(step, -MAX_STEP_RAD, MAX_STEP_RAD)
        self.joints_rad = data.qpos[self._arm].copy()
        return float(np.linalg.norm(error[:3]))
