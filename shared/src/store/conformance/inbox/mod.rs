//! What every inbox must do; run on the one on disk and on the model in memory.

pub mod dedup;
pub mod gaps;
pub mod gone;
pub mod kit;
pub mod look;
pub mod moved;
pub mod note;
pub mod order;
mod plant;
pub mod prune;
mod random;
pub mod undo;
pub mod work;

/// Makes a test of each promise for one store. `$open` makes an empty store and whatever it lives in.
macro_rules! conformance {
    ($open:path => $($part:ident { $($name:ident)* })*) => {
        $(mod $part {
            $(#[test]
            fn $name() {
                let (mut store, _home) = $open();
                crate::store::conformance::inbox::$part::$name(&mut store);
            })*
        })*
    };
}
pub(crate) use conformance;

/// Every promise, for the store that `$open` makes.
macro_rules! all_promises {
    ($open:path) => {
        crate::store::conformance::inbox::conformance! { $open =>
            dedup {
                what_is_known_is_recognised_and_adds_nothing
                rows_out_of_order_are_kept_and_the_floor_follows_with_its_digest
                other_content_at_a_position_is_kept_beside_as_a_conflict
                bytes_that_are_no_envelope_are_kept_as_a_dead_letter_and_harm_no_neighbour
                a_frame_that_breaks_a_bound_is_refused_and_its_neighbours_are_kept
                one_range_too_many_is_refused_but_what_fills_a_hole_never_is
                a_sender_whose_log_is_another_one_is_seen
                a_log_that_differs_below_a_hole_is_seen_when_the_hole_is_filled
                lanes_and_agents_do_not_mix
                a_key_that_a_second_agent_uses_is_reported_and_blocks_nothing
            }
            gaps {
                a_gap_of_a_log_that_differs_makes_no_floor_agree_with_it
                lost_positions_become_one_dead_letter_and_the_floor_passes_them
                a_declared_loss_of_what_is_here_is_ignored
                content_for_a_lost_position_is_kept_as_late
                positions_that_settled_before_this_store_are_stepped_over
            }
            moved {
                a_conflict_is_superseded_when_its_row_has_moved
                a_moved_row_whose_old_copy_has_taken_effect_never_does
                a_moved_row_waits_for_its_old_copy_that_is_at_the_target
                a_row_moved_twice_by_two_clones_takes_effect_once
                of_a_row_and_its_copies_one_takes_effect_in_whatever_order_they_arrive
                what_came_after_a_moved_row_waits_for_it_where_it_went
                a_moved_row_that_is_tried_again_still_waits_for_its_old_copy_at_the_target
                messages_of_one_place_are_ready_in_the_order_of_their_arrival
                what_was_amended_of_a_message_and_then_of_its_copy_is_kept_in_order
                a_row_is_settled_for_its_agent_only_when_the_copy_that_supersedes_it_is
                a_row_that_was_moved_twice_is_settled_for_its_agents_when_its_newest_copy_is
                a_conflict_that_was_moved_is_not_pruned_before_its_copy_has_ended
            }
            order {
                messages_of_one_key_become_ready_one_after_the_other
                messages_of_other_keys_pass
                a_hole_delays_only_the_keys_in_it
                an_earlier_message_that_arrives_later_goes_before
                a_message_waits_for_one_in_another_lane
                a_message_waits_for_one_in_an_older_epoch
                what_is_parked_behind_a_dead_letter_waits_until_a_person_decided
                what_may_pass_a_dead_letter_does_and_supersedes_it
                a_passed_dead_letter_that_is_tried_again_goes_first
                a_passed_dead_letter_is_not_tried_again_while_a_later_one_is_at_the_target
                those_behind_a_message_that_leaves_the_queue_wait_for_the_one_before_it
                what_came_after_a_lost_position_waits_until_a_person_decided
                what_names_an_undecodable_message_waits_for_it
                live_work_is_found_from_the_newest_end
            }
            gone {
                what_comes_after_an_annulled_pair_waits_for_what_that_came_after
                what_comes_after_a_discarded_one_waits_for_what_that_came_after
                what_may_pass_a_dead_letter_waits_for_what_that_came_after
                what_names_a_loss_waits_until_all_that_was_captured_before_it_is_here
                what_names_something_settled_elsewhere_waits_until_all_that_was_captured_before_it_is_here
                a_claim_that_is_not_met_is_not_replaced_by_a_farther_one
                a_claim_of_a_log_that_is_another_one_is_not_believed
                what_came_after_an_epoch_that_is_over_goes_on
                what_a_hello_decides_bears_its_time
                a_person_lets_go_on_what_waits_for_what_will_never_come
                what_waits_only_for_what_is_here_is_not_let_go_on
            }
            prune {
                a_moved_row_of_which_the_original_was_pruned_takes_effect_only_if_a_person_says_so
                a_moved_row_of_which_the_pruned_original_came_again_takes_effect_only_if_a_person_says_so
                a_second_copy_of_what_moved_and_was_pruned_takes_effect_only_if_a_person_says_so
                what_came_late_to_a_moved_position_is_known_as_settled_after_it_was_pruned
                what_stands_where_other_content_is_awaited_is_not_pruned
                a_passed_dead_letter_that_is_tried_again_still_waits_for_what_it_names
                what_waits_for_one_at_the_target_may_be_discarded_and_pruned_meanwhile
            }
            undo {
                an_undo_of_an_unapplied_message_annuls_both
                an_undo_in_the_frame_of_its_original_annuls_both
                an_undo_that_arrives_first_waits_for_its_original
                an_undo_finds_its_original_in_the_middle_of_a_frame
                an_undo_of_a_sent_message_waits_for_the_outcome
                an_undo_of_an_applied_message_is_held_and_names_the_record
                an_undo_that_a_person_let_go_on_is_not_held_again
                an_undo_of_a_discarded_message_has_nothing_to_undo
                an_undo_of_an_undo_or_of_another_agents_message_is_a_dead_letter
                an_undo_finds_its_original_where_it_was_moved
                an_undo_of_what_settled_before_this_store_is_held_until_a_person_lets_it_go_on
                a_dead_undo_that_is_tried_again_still_waits_for_its_original
                an_undo_annuls_a_conflict_that_a_later_message_has_passed
                a_moved_undo_that_names_a_loss_it_was_part_of_is_annulled_once
                what_waits_behind_an_annulled_pair_is_released
            }
            work {
                two_workers_cannot_both_intend_one_message
                a_message_that_waits_for_another_cannot_be_sent
                a_refused_request_harms_no_neighbour
                intents_without_outcome_are_found_after_a_start
                what_is_replayed_goes_before_what_comes_after_it
                a_discard_is_replayed_as_one_and_nothing_else_that_is_settled_is_replayed
                an_amended_message_keeps_its_original_beside_the_new_body
                an_amended_message_waits_for_the_keys_that_it_gained
                all_that_is_held_for_one_thing_is_released_together
                a_bulk_change_goes_on_where_it_stopped
                every_change_is_in_an_audit_whose_chain_is_whole
            }
            look {
                news_is_repeated_and_paged_and_tells_the_newest_of_each
                only_what_is_settled_acknowledged_and_old_is_pruned
                the_balance_adds_up_at_every_cut
                messages_are_found_by_what_people_know_of_them
                messages_are_counted_by_state_and_station
            }
            note {
                what_a_person_released_is_known_by_the_reasons_that_held_it
                what_was_approved_of_a_message_holds_where_it_was_moved
                a_note_is_kept_replaced_and_taken_away_and_the_audit_knows_of_it
            }
        }
    };
}
pub(crate) use all_promises;
