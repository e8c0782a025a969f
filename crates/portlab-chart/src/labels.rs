//! Labels that don't overlap.

/// Places for labels, as close to `wanted` as possible: at least `gap` apart, between `from` and `to`, with the least sum
/// of squared distances to `wanted`. Neighbours that would overlap are pooled.
///
/// If the labels need more room than `to - from`, they begin at `from` and go beyond `to`.
pub(crate) fn spread(wanted: &[f64], gap: f64, (from, to): (f64, f64)) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    // With the gaps subtracted, the places must not decrease: isotonic regression.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (rank, at) in order.iter().enumerate() {
        let (mut sum, mut count) = (wanted[*at] - rank as f64 * gap, 1);
        while let Some((before, many)) = pools.last().copied() {
            if before / many as f64 <= sum / count as f64 {
                break;
            }
            pools.pop();
            sum += before;
            count += many;
        }
        pools.push((sum, count));
    }
    let most = to - wanted.len().saturating_sub(1) as f64 * gap;
    let means = pools.iter().flat_map(|(sum, count)| {
        let mean = (sum / *count as f64).min(most).max(from);
        std::iter::repeat_n(mean, *count)
    });
    let mut places = vec![0.0; wanted.len()];
    for (rank, (mean, at)) in means.zip(&order).enumerate() {
        places[*at] = mean + rank as f64 * gap;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn labels_with_room_stay_where_they_are() {
        assert_eq!(spread(&[50.0, 10.0], 15.0, (0.0, 100.0)), [50.0, 10.0]);
    }

    #[test]
    fn labels_that_would_overlap_move_apart_evenly() {
        assert_eq!(spread(&[50.0, 50.0], 10.0, (0.0, 100.0)), [45.0, 55.0]);
        assert_eq!(spread(&[100.0, 99.0], 10.0, (0.0, 100.0)), [100.0, 90.0]);
    }

    proptest! {
        #[test]
        fn labels_never_overlap_and_keep_their_order(
            wanted in proptest::collection::vec(0.0..300.0f64, 0..20)
        ) {
            let places = spread(&wanted, 15.0, (0.0, 300.0));
            for (a, place) in places.iter().enumerate() {
                prop_assert!((-1e-6..=300.000_001).contains(place));
                for b in 0..a {
                    prop_assert!((place - places[b]).abs() >= 15.0 - 1e-6);
                    prop_assert!(wanted[a] == wanted[b] || (wanted[a] < wanted[b]) == (*place < places[b]));
                }
            }
        }
    }
}
