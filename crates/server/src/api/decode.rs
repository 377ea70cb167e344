//! Content encodings: what was packed for the way is unpacked in small steps, so that a bomb never fills the memory.

use std::io::Write;

use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use axum::http::{HeaderMap, HeaderValue};
use bytes::{Buf, Bytes};
use flate2::write::MultiGzDecoder;
use zstd::stream::raw::{DParameter, Decoder as ZstdDecoder, Operation};

use super::problem::{Kind, Problem};

/// Packed bytes that are unpacked at once. Deflate makes at most a thousand times as many of them.
const STEP: usize = 4 << 10;
/// Unpacked bytes that are handed on at once, about.
const OUTPUT: usize = 256 << 10;
/// The largest window of a zstd frame, as a power of two: RFC 9659 allows no more on the way.
const WINDOW_LOG: u32 = 23;

/// Unpacks a body.
pub(super) enum Decoder {
    Plain,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    Zstd {
        decoder: Box<ZstdDecoder<'static>>,
        /// Whether a frame has begun that has not ended.
        is_open: bool,
        /// Whether the output was filled to its end, so that there may be more without more input.
        is_full: bool,
    },
}

impl Decoder {
    /// The one that the header `Content-Encoding` asks for.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut codings = headers.get_all(CONTENT_ENCODING).iter();
        let Some(coding) = codings.next() else { return Ok(Self::Plain) };
        let coding = coding.to_str().unwrap_or_default().trim().to_ascii_lowercase();
        match coding.as_str() {
            _ if codings.next().is_some() => Err(unsupported()),
            "identity" | "" => Ok(Self::Plain),
            "gzip" | "x-gzip" => Ok(Self::Gzip(Box::new(MultiGzDecoder::new(Vec::new())))),
            "zstd" => {
                let decoder = ZstdDecoder::new().and_then(|mut decoder| {
                    decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG))?;
                    Ok(decoder)
                });
                let decoder = Box::new(decoder.map_err(|_| Problem::internal("zstd cannot be set up"))?);
                Ok(Self::Zstd { decoder, is_open: false, is_full: false })
            }
            _ => Err(unsupported()),
        }
    }

    /// Unpacks some of what has come; empty when all of it was used and more is wanted.
    pub(super) fn step(&mut self, packed: &mut Bytes) -> Result<Bytes, Problem> {
        match self {
            Self::Plain => Ok(std::mem::take(packed)),
            Self::Gzip(decoder) => {
                while !packed.is_empty() && decoder.get_ref().len() < OUTPUT {
                    let step = packed.split_to(packed.len().min(STEP));
                    decoder.write_all(&step).map_err(|_| damaged())?;
                }
                Ok(std::mem::take(decoder.get_mut()).into())
            }
            Self::Zstd { decoder, is_open, is_full } => {
                let mut output = vec![0; OUTPUT];
                let mut filled = 0;
                while filled < OUTPUT && (*is_full || !packed.is_empty()) {
                    let status =
                        decoder.run_on_buffers(packed, &mut output[filled..]).map_err(|_| damaged())?;
                    packed.advance(status.bytes_read);
                    filled += status.bytes_written;
                    *is_open = status.remaining != 0;
                    *is_full = filled == OUTPUT && *is_open;
                    if status.bytes_read == 0 && status.bytes_written == 0 {
                        *is_full = false;
                        if !packed.is_empty() {
                            return Err(damaged());
                        }
                    }
                }
                output.truncate(filled);
                Ok(output.into())
            }
        }
    }

    /// What is left when no more comes; a problem if it was cut off.
    pub(super) fn finish(&mut self) -> Result<Bytes, Problem> {
        match self {
            Self::Plain => Ok(Bytes::new()),
            Self::Gzip(decoder) => {
                decoder.try_finish().map_err(|_| damaged())?;
                Ok(std::mem::take(decoder.get_mut()).into())
            }
            Self::Zstd { is_open: true, .. } => Err(damaged()),
            Self::Zstd { .. } => Ok(Bytes::new()),
        }
    }
}

fn unsupported() -> Problem {
    Problem::new(
        Kind::UnsupportedEncoding,
        "the body is packed in a way that is not known here",
        "pack it once, with gzip or zstd, or send it as it is",
    )
    .with_header(ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd, identity"))
}

fn damaged() -> Problem {
    Problem::new(
        Kind::BadBody,
        "the body cannot be unpacked: it is damaged, cut off, or not packed as Content-Encoding says",
        "send it again; zstd may use a window of 8 MiB at most",
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn decoder(coding: &'static str) -> Decoder {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        Decoder::of(&headers).unwrap()
    }

    /// What comes out when the packed bytes arrive in chunks; the most that came out at once.
    fn unpack(coding: &'static str, packed: &[u8], chunk: usize) -> Result<(Vec<u8>, usize), Problem> {
        let (mut decoder, mut all, mut most) = (decoder(coding), Vec::new(), 0);
        for chunk in packed.chunks(chunk) {
            let mut chunk = Bytes::copy_from_slice(chunk);
            loop {
                let out = decoder.step(&mut chunk)?;
                most = most.max(out.len());
                all.extend_from_slice(&out);
                if out.is_empty() && chunk.is_empty() {
                    break;
                }
            }
        }
        all.extend_from_slice(&decoder.finish()?);
        Ok((all, most))
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_was_packed_comes_out_however_it_arrives() {
        let plain: Vec<u8> = (0..300_000_u32).flat_map(|number| (number * 7919).to_le_bytes()).collect();
        for (coding, packed) in [("gzip", gzip(&plain)), ("zstd", zstd::encode_all(&plain[..], 3).unwrap())] {
            for chunk in [1_000, 1 << 20] {
                assert_eq!(unpack(coding, &packed, chunk).unwrap().0, plain, "{coding} by {chunk}");
                let twice = [&packed[..], &packed[..]].concat();
                assert_eq!(
                    unpack(coding, &twice, chunk).unwrap().0.len(),
                    plain.len() * 2,
                    "{coding} by {chunk}"
                );
            }
            let cut = &packed[..packed.len() - 1];
            assert_eq!(unpack(coding, cut, 1_000).unwrap_err().kind(), Kind::BadBody, "{coding}");
            assert_eq!(unpack(coding, b"MSH|^~\\&|", 1_000).unwrap_err().kind(), Kind::BadBody, "{coding}");
        }
    }

    #[test]
    fn a_bomb_comes_out_in_small_parts() {
        let plain = vec![b' '; 24 << 20];
        for (coding, packed) in [("gzip", gzip(&plain)), ("zstd", zstd::encode_all(&plain[..], 3).unwrap())] {
            assert!(packed.len() < 50_000);
            let (all, most) = unpack(coding, &packed, packed.len()).unwrap();
            assert_eq!(all.len(), plain.len());
            assert!(most <= 8 << 20, "{coding}: {most} bytes at once");
        }
    }

    #[test]
    fn other_encodings_are_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
        assert_eq!(Decoder::of(&headers).err().unwrap().kind(), Kind::UnsupportedEncoding);
    }
}
