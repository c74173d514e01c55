//! Phantoms: closed-form shapes with analytic line integrals.
