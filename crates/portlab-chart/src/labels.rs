//! Labels that don't lie on one another.

/// Places for labels that would like to stand at `wanted`: at least `gap` apart, all between `from`
/// and `to` when there is room for them, and together as little away from where they would like to
/// be as can be (the least squares, by pooling neighbours that would overlap).
///
/// When `to - from` is too small for all of them, they begin at `from` and go beyond `to`.
pub(crate) fn spread(wanted: &[f64], gap: f64, (from, to): (f64, f64)) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    // Without the gaps, places must only not fall: isotonic regression.
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
    fn labels_in_each_others_way_part_evenly() {
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
