//! The values of a row of the staging table, each with the place its column says it came from.

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, Int32Array, ListArray, RecordBatch, StringArray, StructArray};
use tables::names::{self, Datatype, Slot};

use super::plain::Place;

/// The columns of a batch of rows, with the numbers their names stand for.
pub(super) struct Columns {
    segments: Vec<SegmentColumn>,
    unmapped: Option<Unmapped>,
}

struct SegmentColumn {
    id: [u8; 3],
    list: Option<ListArray>,
    values: StructArray,
    segment_index: Int32Array,
    /// The number of the segment that it belongs to, and of the patient's.
    links: [Option<Int32Array>; 2],
    fields: Vec<(u32, FieldColumn)>,
}

struct FieldColumn {
    list: Option<ListArray>,
    value: Value,
}

enum Value {
    Text(StringArray),
    /// Components, or subcomponents, by number.
    Composite(StructArray, Vec<(u32, Self)>),
    /// The text, and the components under each datatype that was seen.
    Varies(StructArray, Option<StringArray>, Vec<Self>),
}

struct Unmapped {
    list: ListArray,
    segment: StringArray,
    value: StringArray,
    numbers: [Int32Array; 5],
}

impl Columns {
    /// Looks up what the columns are called; `Err` names one that has no place.
    pub(super) fn of(rows: &RecordBatch) -> Result<Self, String> {
        let mut columns = Self { segments: Vec::new(), unmapped: None };
        let envelope = tables::core_schema();
        let envelope = envelope.fields().iter().take_while(|field| field.name() != "unmapped");
        let envelope: Vec<&str> = envelope.map(|field| field.name().as_str()).collect();
        for (field, array) in rows.schema_ref().fields().iter().zip(rows.columns()) {
            let name = field.name().as_str();
            if envelope.contains(&name) {
                continue;
            }
            let column = if name == "unmapped" {
                Unmapped::of(array).map(|unmapped| columns.unmapped = Some(unmapped))
            } else {
                SegmentColumn::of(name, array).map(|segment| columns.segments.push(segment))
            };
            column.ok_or_else(|| name.to_owned())?;
        }
        Ok(columns)
    }

    /// Visits every value of a row; gives false if a segment's number and ID are not those of `ids`.
    pub(super) fn values<'c>(
        &'c self,
        row: usize,
        ids: &[[u8; 3]],
        visit: &mut dyn FnMut(Place, &'c str),
    ) -> bool {
        let mut is_right = true;
        for column in &self.segments {
            for element in elements(column.list.as_ref(), row) {
                if column.values.is_null(element) {
                    continue;
                }
                let number = column.segment_index.value(element).cast_unsigned();
                is_right &= number > 0 && ids.get(number as usize - 1) == Some(&column.id);
                column.values_at(element, number, visit);
            }
        }
        for unmapped in self.unmapped.iter() {
            for element in elements(Some(&unmapped.list), row) {
                let [segment, field, repetition, component, subcomponent] =
                    unmapped.numbers.each_ref().map(|numbers| numbers.value(element).cast_unsigned());
                let id = segment.checked_sub(1).and_then(|index| ids.get(index as usize));
                is_right &= id.is_some_and(|id| unmapped.segment.value(element).as_bytes() == id);
                let at = Place { segment, field, repetition, component, subcomponent };
                visit(at, unmapped.value.value(element));
            }
        }
        is_right
    }
}

impl Columns {
    /// Of each segment of a row its number, that of the segment it belongs to, and that of its patient's.
    pub(super) fn links(&self, row: usize) -> Vec<(i32, [Option<i32>; 2])> {
        let mut links = Vec::new();
        for column in &self.segments {
            for element in
                elements(column.list.as_ref(), row).filter(|element| column.values.is_valid(*element))
            {
                let link = |numbers: &Option<Int32Array>| {
                    numbers
                        .as_ref()
                        .filter(|numbers| numbers.is_valid(element))
                        .map(|numbers| numbers.value(element))
                };
                links.push((column.segment_index.value(element), column.links.each_ref().map(link)));
            }
        }
        links.sort_unstable();
        links
    }
}

impl SegmentColumn {
    fn of(name: &str, array: &ArrayRef) -> Option<Self> {
        let (segment, _) = names::segment_of_column(name)?;
        let list = array.as_list_opt::<i32>().cloned();
        let values = list.as_ref().map_or(array, ListArray::values).as_struct_opt()?.clone();
        let segment_index = values.column_by_name("segment_index")?.as_primitive_opt::<Int32Type>()?.clone();
        let links = ["parent_index", "patient_index"]
            .map(|name| values.column_by_name(name)?.as_primitive_opt::<Int32Type>().cloned());
        let mut fields = Vec::new();
        for (name, array) in children(&values) {
            if names::SEGMENT_INDEXES.contains(&name) {
                continue;
            }
            let slot = segment.fields().iter().find(|slot| slot.name() == name)?;
            let list = array.as_list_opt::<i32>().cloned();
            let value = Value::of(slot.datatype(), list.as_ref().map_or(array, ListArray::values))?;
            fields.push((number(slot), FieldColumn { list, value }));
        }
        Some(Self { id: segment.id(), list, values, segment_index, links, fields })
    }

    fn values_at<'c>(&'c self, row: usize, segment: u32, visit: &mut dyn FnMut(Place, &'c str)) {
        for (field, column) in &self.fields {
            for (repetition, element) in (1..).zip(elements(column.list.as_ref(), row)) {
                let at = Place { segment, field: *field, repetition, component: 1, subcomponent: 1 };
                column.value.visit(element, at, Level::Component, visit);
            }
        }
    }
}

/// What the children of a struct are.
#[derive(Clone, Copy)]
enum Level {
    Component,
    Subcomponent,
}

impl Value {
    fn of(datatype: &'static Datatype, array: &ArrayRef) -> Option<Self> {
        if let Some(text) = array.as_string_opt::<i32>() {
            return Some(Self::Text(text.clone()));
        }
        let values = array.as_struct_opt()?;
        if datatype.is_varies() {
            let text = values.column_by_name("value").and_then(|array| array.as_string_opt()).cloned();
            let types = children(values).filter(|(name, _)| *name != "value");
            let types = types.map(|(name, array)| {
                let code = name.to_ascii_uppercase();
                Self::of(names::datatype(code.as_bytes())?, array)
            });
            return Some(Self::Varies(values.clone(), text, types.collect::<Option<_>>()?));
        }
        let components = children(values).map(|(name, array)| {
            let slot = datatype.components().iter().find(|slot| slot.name() == name)?;
            Some((number(slot), Self::of(slot.datatype(), array)?))
        });
        Some(Self::Composite(values.clone(), components.collect::<Option<_>>()?))
    }

    fn visit<'c>(&'c self, row: usize, at: Place, level: Level, visit: &mut dyn FnMut(Place, &'c str)) {
        match self {
            Self::Text(texts) => {
                if texts.is_valid(row) {
                    visit(at, texts.value(row));
                }
            }
            Self::Composite(values, components) if values.is_valid(row) => {
                for (number, component) in components {
                    let at = match level {
                        Level::Component => Place { component: *number, ..at },
                        Level::Subcomponent => Place { subcomponent: *number, ..at },
                    };
                    component.visit(row, at, Level::Subcomponent, visit);
                }
            }
            Self::Varies(values, text, types) if values.is_valid(row) => {
                let mut first = None;
                for datatype in types {
                    datatype.visit(row, at, level, &mut |place, text| {
                        if place == at {
                            first = Some(text);
                        }
                        visit(place, text);
                    });
                }
                // Beside components the text is a copy of the first of them, and no value of its own.
                let text = text.as_ref().filter(|text| text.is_valid(row)).map(|text| text.value(row));
                if let Some(text) = text.filter(|text| first != Some(*text)) {
                    visit(at, text);
                }
            }
            Self::Composite(..) | Self::Varies(..) => {}
        }
    }
}

impl Unmapped {
    fn of(array: &ArrayRef) -> Option<Self> {
        let list = array.as_list_opt::<i32>()?.clone();
        let values = list.values().as_struct_opt()?;
        let text = |name: &str| Some(values.column_by_name(name)?.as_string_opt::<i32>()?.clone());
        let number = |name: &str| Some(values.column_by_name(name)?.as_primitive_opt::<Int32Type>()?.clone());
        Some(Self {
            segment: text("segment")?,
            value: text("value")?,
            numbers: [
                number("segment_index")?,
                number("field")?,
                number("repetition")?,
                number("component")?,
                number("subcomponent")?,
            ],
            list,
        })
    }
}

/// The elements of a row of a list; without a list the row itself.
fn elements(list: Option<&ListArray>, row: usize) -> std::ops::Range<usize> {
    match list {
        None => row..row + 1,
        Some(list) if list.is_null(row) => 0..0,
        Some(list) => list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize,
    }
}

fn children(values: &StructArray) -> impl Iterator<Item = (&str, &ArrayRef)> {
    values.fields().iter().map(|field| field.name().as_str()).zip(values.columns())
}

fn number(slot: &Slot) -> u32 {
    u32::try_from(slot.number()).unwrap_or(u32::MAX)
}
