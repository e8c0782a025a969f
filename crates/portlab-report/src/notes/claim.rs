//! The evidence of a finding, as data: what its sentence claims of which server, and where.
//!
//! Unlike sentences, claims can be checked against each other. A test generates records of any kind, and checks that no
//! two claims of a report exclude each other, and that its table agrees with each claim.

/// What is claimed of the group at a place in its workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The server shares the first place, and others don't.
    Best(usize, String),
    /// The server is worse than the best by the ranked measure.
    Worse(usize, String),
    /// No ranked server differs from another by the ranked measure.
    Alike(usize),
    /// Nothing is ranked by the measure of the workload.
    Unranked(usize),
    /// The server kept up with the rate of an open loop.
    KeptUp(usize, String),
    /// The server did not keep up.
    FellBehind(usize, String),
    /// The server was not measured.
    Absent(usize, String),
}

#[cfg(test)]
impl Claim {
    /// Where the claim holds: a place among the points of the workload.
    pub(crate) fn at(&self) -> usize {
        match self {
            Self::Alike(at) | Self::Unranked(at) => *at,
            Self::Best(at, _)
            | Self::Worse(at, _)
            | Self::KeptUp(at, _)
            | Self::FellBehind(at, _)
            | Self::Absent(at, _) => *at,
        }
    }

    /// Whether `other`, of the same workload, can't hold if this claim does.
    pub(crate) fn excludes(&self, other: &Self) -> bool {
        use Claim::{Absent, Alike, Best, FellBehind, KeptUp, Unranked, Worse};
        if self.at() != other.at() {
            return false;
        }
        let one_way = |a: &Self, b: &Self| match (a, b) {
            (Best(_, a), Worse(_, b) | FellBehind(_, b) | Absent(_, b))
            | (Worse(_, a), FellBehind(_, b) | Absent(_, b))
            | (KeptUp(_, a), FellBehind(_, b) | Absent(_, b))
            | (FellBehind(_, a), Absent(_, b)) => a == b,
            (Alike(_) | Unranked(_), Best(..) | Worse(..)) | (Alike(_), Unranked(_)) => true,
            _ => false,
        };
        one_way(self, other) || one_way(other, self)
    }
}

#[cfg(test)]
mod tests {
    use super::Claim::{Alike, Best, FellBehind, KeptUp, Worse};

    #[test]
    fn claims_of_one_server_at_one_point_may_exclude_each_other() {
        let a = || "a".to_owned();
        assert!(Best(0, a()).excludes(&FellBehind(0, a())));
        assert!(FellBehind(0, a()).excludes(&Best(0, a())));
        assert!(!Best(0, a()).excludes(&FellBehind(1, a())));
        assert!(!Best(0, a()).excludes(&FellBehind(0, "b".into())));
        assert!(!Best(0, a()).excludes(&KeptUp(0, a())));
        assert!(Alike(0).excludes(&Worse(0, a())));
    }
}
