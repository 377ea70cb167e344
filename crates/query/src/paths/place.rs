//! Where a path has got to: what stands there in HL7 terms, its column type, and the steps that lead there.

use datafusion::arrow::datatypes::{DataType, Fields};
use datafusion::sql::sqlparser::ast::Expr;
use tables::names::{self, Datatype, Resolved, Segment, Slot};

use super::unobserved;
use crate::nearest::{unknown, unknown_near};
use crate::{Error, Result};

/// A position below a column.
#[derive(Clone, Debug)]
pub(super) struct Place {
    kind: Kind,
    /// The type of the value; `None` when no message has used the position, so that it is NULL everywhere.
    data_type: Option<DataType>,
    steps: Vec<Step>,
    /// The steps from this one on are taken in every occurrence of a repeating segment.
    each_from: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// All occurrences of a segment that repeats.
    Segments(&'static Segment),
    Segment(&'static Segment),
    /// All repetitions of a field.
    Repetitions(&'static Slot),
    /// One repetition of a field, or a component.
    Part(&'static Slot, Level),
    /// The struct of one composite datatype in a field of varying type.
    Typed(&'static Datatype),
    Text,
    /// A column that is no HL7 position.
    Plain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Field,
    Component,
    Subcomponent,
}

/// One step down from a column.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Field(String),
    /// 1-based.
    Index(Box<Expr>),
}

impl Place {
    pub(super) fn segments(segment: &'static Segment, data_type: Option<DataType>) -> Self {
        Self::column(Kind::Segments(segment), data_type)
    }

    pub(super) fn segment(segment: &'static Segment, data_type: Option<DataType>) -> Self {
        Self::column(Kind::Segment(segment), data_type)
    }

    /// A field as a column of its own, in the view of its segment.
    pub(super) fn field(slot: &'static Slot, data_type: Option<DataType>) -> Self {
        Self::column(field_kind(slot), data_type)
    }

    pub(super) fn plain(data_type: DataType) -> Self {
        Self::column(Kind::Plain, Some(data_type))
    }

    fn column(kind: Kind, data_type: Option<DataType>) -> Self {
        Self { kind, data_type, steps: Vec::new(), each_from: None }
    }

    /// What a column with this content is, by itself.
    pub(super) fn as_column(&self) -> Self {
        // Plucked from every occurrence it is a list, of which no dot leads further.
        let kind = if self.each_from.is_some() { Kind::Plain } else { self.kind };
        let list = |element: DataType| DataType::new_list(element, true);
        let data_type =
            if self.each_from.is_some() { self.data_type.clone().map(list) } else { self.data_type.clone() };
        Self::column(kind, data_type)
    }

    /// What one element of the list at this place is; `None` if it is no list.
    pub(super) fn element(&self) -> Option<Self> {
        let column = self.as_column();
        let kind = match column.kind {
            Kind::Segments(segment) => Kind::Segment(segment),
            Kind::Repetitions(slot) => Kind::Part(slot, Level::Field),
            Kind::Plain => Kind::Plain,
            _ => return None,
        };
        Some(Self::column(kind, column.element_type()))
    }

    /// A name that can follow here: that of the first part that messages use.
    pub(super) fn first_name(&self) -> Option<&str> {
        match &self.data_type {
            Some(DataType::Struct(fields)) => fields.first().map(|field| field.name().as_str()),
            _ => None,
        }
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    pub(super) fn each_from(&self) -> Option<usize> {
        self.each_from
    }

    /// The type that the value would have if messages used all of it.
    pub(super) fn standard_type(&self) -> DataType {
        let one = match self.kind {
            Kind::Segments(segment) => unobserved::list(unobserved::segment(segment)),
            Kind::Segment(segment) => unobserved::segment(segment),
            Kind::Repetitions(slot) => unobserved::list(unobserved::repetition(slot)),
            Kind::Part(slot, Level::Field) => unobserved::repetition(slot),
            Kind::Part(slot, Level::Component) => unobserved::component(slot),
            Kind::Typed(datatype) => unobserved::composite(datatype),
            Kind::Part(_, Level::Subcomponent) | Kind::Text | Kind::Plain => DataType::Utf8,
        };
        if self.each_from.is_some() { unobserved::list(one) } else { one }
    }

    pub(super) fn is_observed(&self) -> bool {
        self.data_type.is_some()
    }

    /// Whether a path that ends here goes on to a first leaf.
    pub(super) fn goes_on(&self) -> bool {
        match self.kind {
            Kind::Part(slot, level) => !slot.datatype().is_primitive() && level.below().is_some(),
            Kind::Typed(_) => true,
            _ => false,
        }
    }

    /// Whether the value is a list: over occurrences, or over repetitions.
    pub(super) fn is_list(&self) -> bool {
        self.each_from.is_some()
            || matches!(self.kind, Kind::Segments(_) | Kind::Repetitions(_))
            || matches!(self.data_type, Some(DataType::List(_)))
    }

    /// Follows a dot and a name.
    pub(super) fn name(mut self, name: &str) -> Result<Self> {
        match self.kind {
            Kind::Segments(segment) => {
                self.each_from = Some(self.steps.len());
                self.data_type = self.element_type();
                self.kind = Kind::Segment(segment);
                self.name(name)
            }
            Kind::Segment(segment) => self.segment_child(segment, name),
            Kind::Repetitions(slot) => {
                self.steps.push(Step::Index(Box::new(super::sql::number(1))));
                self.data_type = self.element_type();
                self.kind = Kind::Part(slot, Level::Field);
                self.name(name)
            }
            Kind::Part(slot, level) => self.part_child(slot, level, name),
            Kind::Typed(datatype) => self.typed_child(datatype, name),
            Kind::Text => Err(Error::new(format!("there is nothing below a value, so no {name}"))),
            Kind::Plain => self.plain_child(name),
        }
    }

    /// Follows brackets with a number.
    pub(super) fn index(mut self, index: &Expr) -> Self {
        let kind = match self.kind {
            Kind::Segments(segment) => Kind::Segment(segment),
            Kind::Repetitions(slot) => Kind::Part(slot, Level::Field),
            Kind::Plain => Kind::Plain,
            kind => {
                // What does not repeat has one repetition.
                if *index != super::sql::number(1) {
                    self.data_type = None;
                }
                self.kind = kind;
                return self;
            }
        };
        self.data_type = self.element_type();
        self.steps.push(Step::Index(Box::new(index.clone())));
        self.kind = kind;
        self
    }

    /// Goes on to the first leaf of a composite; a list, a segment or a plain column stays what it is.
    pub(super) fn end(self) -> Self {
        match self.kind {
            Kind::Part(slot, level) => self.first_leaf(slot, level),
            Kind::Typed(datatype) => match datatype.components().first() {
                Some(first) => self.child(first.name(), Kind::Part(first, Level::Component)).end(),
                None => self,
            },
            _ => self,
        }
    }

    fn first_leaf(mut self, slot: &'static Slot, level: Level) -> Self {
        if slot.datatype().is_varies() {
            return self.child("value", Kind::Text);
        }
        match (slot.datatype().components().first(), level.below()) {
            (Some(first), Some(below)) if !slot.datatype().is_primitive() => {
                self.child(first.name(), Kind::Part(first, below)).end()
            }
            _ => {
                self.kind = Kind::Text;
                self
            }
        }
    }

    fn segment_child(self, segment: &'static Segment, name: &str) -> Result<Self> {
        if let Some(index) = names::SEGMENT_INDEXES.iter().find(|index| index.eq_ignore_ascii_case(name)) {
            return Ok(self.child(index, Kind::Plain));
        }
        let slot =
            resolved(names::resolve_field(segment, name), name, &format!("segment {}", segment.key()))?;
        Ok(self.child(slot.name(), field_kind(slot)))
    }

    fn part_child(mut self, slot: &'static Slot, level: Level, name: &str) -> Result<Self> {
        if slot.datatype().is_varies() {
            return self.varies_child(name);
        }
        let Some(below) = level.below() else {
            return Err(Error::new(format!("there is nothing below a subcomponent, so no {name}")));
        };
        let component = resolved(names::resolve_component(slot, name), name, slot.name())?;
        if slot.datatype().is_primitive() {
            // Some version had components here: the first of them is the value now.
            self.kind = Kind::Text;
            if component.number() != 1 {
                self.data_type = None;
            }
            return Ok(self);
        }
        Ok(self.child(component.name(), Kind::Part(component, below)))
    }

    fn varies_child(self, name: &str) -> Result<Self> {
        if name.eq_ignore_ascii_case("value") {
            return Ok(self.child("value", Kind::Text));
        }
        match names::datatype(name.as_bytes()).filter(|datatype| !datatype.is_primitive()) {
            Some(datatype) => Ok(self.child(datatype.key(), Kind::Typed(datatype))),
            None => Err(Error::new(format!("{name} is no part of a value of varying type")).with_hint(
                "it has value, the text or first leaf, and one part for each datatype: cwe, sn, ed …",
            )),
        }
    }

    fn typed_child(self, datatype: &'static Datatype, name: &str) -> Result<Self> {
        let components = datatype.components();
        match components.iter().find(|component| component.name().eq_ignore_ascii_case(name)) {
            Some(component) => Ok(self.child(component.name(), Kind::Part(component, Level::Component))),
            None => {
                let known: Vec<&str> = components.iter().map(Slot::name).collect();
                Err(unknown(name, datatype.code(), &known))
            }
        }
    }

    fn plain_child(mut self, name: &str) -> Result<Self> {
        if let Some(DataType::List(element)) = &self.data_type {
            let element = element.data_type().clone();
            if self.each_from.is_some() {
                return Err(Error::new(format!(
                    "there is a list before {name}: give the number of an element"
                )));
            }
            self.each_from = Some(self.steps.len());
            self.data_type = Some(element);
        }
        let fields = match &self.data_type {
            Some(DataType::Struct(fields)) => fields.clone(),
            _ => return Err(Error::new(format!("there is nothing below a value, so no {name}"))),
        };
        match find(&fields, name) {
            Some(actual) => Ok(self.child(&actual, Kind::Plain)),
            None => {
                let known: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
                Err(unknown(name, "this column", &known))
            }
        }
    }

    fn child(mut self, name: &str, kind: Kind) -> Self {
        self.data_type = match &self.data_type {
            Some(DataType::Struct(fields)) => {
                fields.iter().find(|field| field.name() == name).map(|field| field.data_type().clone())
            }
            _ => None,
        };
        self.steps.push(Step::Field(name.to_owned()));
        self.kind = kind;
        self
    }

    fn element_type(&self) -> Option<DataType> {
        match &self.data_type {
            Some(DataType::List(element)) => Some(element.data_type().clone()),
            _ => None,
        }
    }
}

impl Level {
    fn below(self) -> Option<Self> {
        match self {
            Self::Field => Some(Self::Component),
            Self::Component => Some(Self::Subcomponent),
            Self::Subcomponent => None,
        }
    }
}

fn field_kind(slot: &'static Slot) -> Kind {
    if slot.repeats() { Kind::Repetitions(slot) } else { Kind::Part(slot, Level::Field) }
}

/// The actual name of a struct's field, found in any case.
fn find(fields: &Fields, name: &str) -> Option<String> {
    fields.iter().find(|field| field.name().eq_ignore_ascii_case(name)).map(|field| field.name().clone())
}

fn resolved(found: Resolved, name: &str, parent: &str) -> Result<&'static Slot> {
    match found {
        Resolved::Slot(slot) => Ok(slot),
        Resolved::Ambiguous(candidates) => {
            let candidates: Vec<&str> = candidates.iter().map(|slot| slot.name()).collect();
            Err(Error::new(format!("{name} in {parent} has meant several things"))
                .with_hint(format!("one of: {}", candidates.join(", "))))
        }
        Resolved::Unknown { nearest } => Err(unknown_near(name, parent, &nearest)),
    }
}
