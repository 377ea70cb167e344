//! Word lists for invented people, places and texts. Phone numbers are of the 555-01xx range kept for fiction,
//! mail addresses of example.org, object identifiers of the arc 2.999 kept for examples.

pub(crate) const FAMILIES: [&str; 40] = [
    "ABERNOT",
    "BRAMWICK",
    "CALDERBY",
    "DUNSMOOR",
    "ELLERTON",
    "FENWORTH",
    "GARRICKE",
    "HOLLOWELL",
    "INGLEBY",
    "JARROWAY",
    "KESTERMAN",
    "LARKSPUR",
    "MERRIDEN",
    "NORTHAM",
    "O'BRANNOCK",
    "PELLINGTON",
    "QUARRELL",
    "ROTHWAY",
    "SANDERLING",
    "TREVANION",
    "UNDERLEIGH",
    "VANTERPOOL",
    "WESTERLUND",
    "YARBOROUGH",
    "ZELLWEGER-ASH",
    "ASHGROVE",
    "BIRCHALL",
    "COPPERFELD",
    "DRAYCOTE",
    "EASTLEIGH",
    "FOXGLOVE",
    "GREYSTOKE",
    "HAWTHORNE",
    "IRONMONGER",
    "KILBRIDE",
    "LOCKSLEY",
    "MSHERRY",
    "PENHALIGON",
    "RAVENSCAR",
    "THISTLEWOOD",
];

pub(crate) const GIVEN_FEMALE: [&str; 16] = [
    "ADELA",
    "BRONWYN",
    "CLARICE",
    "DELPHINE",
    "ESME",
    "FREYA",
    "GWENDOLEN",
    "HARRIET",
    "IMOGEN",
    "JUNIPER",
    "LETITIA",
    "MARGUERITE",
    "OPHELIA",
    "PETRA",
    "ROSALIND",
    "WINIFRED",
];

pub(crate) const GIVEN_MALE: [&str; 16] = [
    "ALARIC", "BARNABY", "CEDRIC", "DESMOND", "EVANDER", "FERGUS", "GIDEON", "HUMPHREY", "IVOR", "JASPER",
    "LEANDER", "MORTIMER", "OSWALD", "PERCIVAL", "RUPERT", "THADDEUS",
];

pub(crate) const STREETS: [&str; 16] = [
    "Alder Row",
    "Barley Close",
    "Cooper Lane",
    "Dovecote Street",
    "Elm Terrace",
    "Ferry Road",
    "Granary Walk",
    "Harbour View",
    "Iron Bridge Road",
    "Juniper Drive",
    "Kiln Yard",
    "Lantern Street",
    "Mill Lane",
    "North Quay",
    "Orchard Avenue",
    "Pump Court",
];

/// City, state (an invented code), postal code.
pub(crate) const CITIES: [(&str, &str, &str); 10] = [
    ("LAKEMOUTH", "QX", "00101"),
    ("STONEFORD", "QX", "00117"),
    ("WILLOWDALE", "QX", "00132-4410"),
    ("PORT HALDEN", "QY", "00203"),
    ("GRANITE FALLS", "QY", "00219"),
    ("EASTMERE", "QY", "00244-0012"),
    ("NEW TARROW", "QZ", "00305"),
    ("OLD BRIDGE", "QZ", "00318"),
    ("SILVER HOLLOW", "QZ", "00377"),
    ("MERIDIAN POINT", "QX", "00190-7733"),
];

pub(crate) const WARDS: [&str; 8] = ["2EAST", "3WEST", "4NORTH", "ED", "ICU", "MATERNITY", "OPD", "SURG"];

pub(crate) const SERVICES: [&str; 8] = ["MED", "SUR", "CAR", "OBS", "PED", "PUL", "URO", "NEU"];

/// Code and text of diagnoses in a local coding system.
pub(crate) const DIAGNOSES: [(&str, &str); 12] = [
    ("D100", "Raised blood pressure"),
    ("D117", "Fever, cause not found"),
    ("D123", "Sprained ankle, left"),
    ("D204", "Pain in chest on exertion"),
    ("D221", "Sugar metabolism disturbed, adult onset"),
    ("D318", "Cough lasting more than three weeks"),
    ("D330", "Fracture of radius, closed"),
    ("D402", "Migraine with aura"),
    ("D415", "Injury to hand while gardening"),
    ("D508", "Iron store low"),
    ("D512", "Rash \\T\\ itching after meal"),
    ("D601", "Follow-up after joint replacement"),
];

pub(crate) const ALLERGENS: [(&str, &str, &str); 8] = [
    ("A01", "Strawberries", "FA"),
    ("A02", "Bee venom", "EA"),
    ("A03", "Penicillin", "DA"),
    ("A04", "Latex", "MA"),
    ("A05", "Cat hair", "AA"),
    ("A06", "Birch pollen", "EA"),
    ("A07", "Sulfonamides", "DA"),
    ("A08", "Shellfish", "FA"),
];

pub(crate) const INSURERS: [(&str, &str, &str); 5] = [
    ("I100", "LAKESIDE MUTUAL HEALTH", "PLAN A"),
    ("I200", "FOUR RIVERS INSURANCE", "PREFERRED"),
    ("I300", "STATE HEALTH FUND OF QX", "BASIC"),
    ("I400", "GUILD OF COOPERS SICK FUND", "GUILD GOLD"),
    ("I500", "HALDEN \\T\\ SONS ASSURANCE", "FAMILY"),
];

/// Test code, name, unit, low, high, decimals; the limits are those of the invented laboratory.
pub(crate) const ANALYTES: [(&str, &str, &str, f64, f64, usize); 16] = [
    ("L2951", "Sodium", "mmol/L", 135.0, 145.0, 0),
    ("L2823", "Potassium", "mmol/L", 3.5, 5.1, 1),
    ("L2075", "Chloride", "mmol/L", 98.0, 107.0, 0),
    ("L2028", "Carbon dioxide", "mmol/L", 21.0, 32.0, 0),
    ("L3094", "Urea nitrogen", "mg/dL", 7.0, 18.0, 0),
    ("L2160", "Creatinine", "mg/dL", 0.6, 1.3, 2),
    ("L2345", "Glucose", "mg/dL", 70.0, 110.0, 0),
    ("L1786", "Calcium", "mg/dL", 8.5, 10.1, 1),
    ("L6690", "Leukocytes", "10*3/uL", 4.5, 11.0, 1),
    ("L0789", "Erythrocytes", "10*6/uL", 4.2, 5.9, 2),
    ("L0718", "Hemoglobin", "g/dL", 12.0, 17.5, 1),
    ("L4544", "Hematocrit", "%", 36.0, 50.0, 1),
    ("L0777", "Platelets", "10*3/uL", 150.0, 400.0, 0),
    ("L1742", "Alanine aminotransferase", "U/L", 7.0, 56.0, 0),
    ("L1975", "Bilirubin, total", "mg/dL", 0.1, 1.2, 1),
    ("L2885", "Protein, total", "g/dL", 6.0, 8.3, 1),
];

/// Sentences of reports and notes; escape sequences as a sender would write them.
pub(crate) const SENTENCES: [&str; 16] = [
    "Patient seen on the ward round and in good spirits.",
    "No acute distress. Vital signs stable.",
    "Specimen slightly hemolyzed; results may be affected.",
    "Called to the ward at 14:05, read back and confirmed.",
    "Comparison with the film of last autumn shows no change.",
    "The lungs are clear. Heart size is within normal limits.",
    "Mild degenerative change at L4\\S\\L5.",
    "Cough \\T\\ fever for 3 days, temp \\R\\ 38.4 C.",
    "Ratio 3\\F\\4 of the expected value.",
    "Impression:\\.br\\1. No fracture.\\.br\\2. Soft tissue swelling.",
    "\\H\\Critical value\\N\\ repeated on a second aliquot.",
    "Seen at MSH CLINIC last year; records requested.",
    "Follow up with the family doctor within two weeks.",
    "Path to image: \\E\\archive\\E\\2026\\E\\03.",
    "Tolerated the procedure well, discharged home with instructions.",
    "Please correlate clinically.",
];
