//! Where a component of an older shape belongs in the canonical one.

use crate::dictionary::Move;

/// What becomes of one component.
pub(crate) enum Target {
    /// It stays where it is.
    Same,
    /// It is this component now.
    Component(usize),
    /// It is this subcomponent of this component now.
    Subcomponent(usize, usize),
    /// It has no place any more.
    Unmapped,
}

/// Looks up the move of a component, from 1; a component no move speaks of stays.
pub(crate) fn target(moves: &[Move], component: u32) -> Target {
    match moves.iter().find(|step| u32::from(step.from_component) == component) {
        None => Target::Same,
        Some(step) if step.to_component == 0 => Target::Unmapped,
        Some(step) if step.to_subcomponent == 0 => Target::Component(usize::from(step.to_component)),
        Some(step) => Target::Subcomponent(usize::from(step.to_component), usize::from(step.to_subcomponent)),
    }
}
