//! Decoding of single PNG and JPEG images to 8-bit grey or colour.

use crate::error::DataError;
use crate::sink::check_shape;
use png::{Limits, Transformations};
use std::fmt::Display;
use std::io::Cursor;
use std::path::Path;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Bytes that a PNG decoder may take beside the picture.
const PNG_MEMORY: usize = 256 << 20;

/// A decoded picture, `[height, width, channels]`, with 1 (grey) or 3 (colour) channels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pixels {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    pub(crate) bytes: Vec<u8>,
}

impl Pixels {
    /// Decodes a PNG or JPEG by its magic number. Transparency is dropped and 16 bits become 8.
    pub(crate) fn decode(path: &Path, file: &[u8]) -> Result<Self, DataError> {
        match file {
            [] => Err(DataError::empty(path, "a PNG or JPEG image")),
            [0x89, b'P', b'N', b'G', ..] => png(path, file),
            [0xff, 0xd8, 0xff, ..] => jpeg(path, file),
            other => {
                let got = format!("bytes {:02x?}", &other[..other.len().min(4)]);
                Err(DataError::corrupt(path, "magic number", "a PNG or JPEG image", got))
            }
        }
    }

    /// Three equal channels from one.
    pub(crate) fn in_colour(self) -> Self {
        let bytes = self.bytes.iter().flat_map(|&grey| [grey; 3]).collect();
        Self { channels: 3, bytes, ..self }
    }

    pub(crate) fn size(&self) -> String {
        format!("{} x {} x {}", self.height, self.width, self.channels)
    }
}

fn broken(path: &Path, error: impl Display) -> DataError {
    DataError::corrupt(path, "image", "a whole, valid file", error.to_string())
}

fn png(path: &Path, file: &[u8]) -> Result<Pixels, DataError> {
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(file), Limits { bytes: PNG_MEMORY });
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|error| broken(path, error))?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    check_shape(path, &[height, width, 4])?;
    let size = reader.output_buffer_size().ok_or_else(|| broken(path, "a size beyond the address space"))?;
    let mut bytes = vec![0; size];
    let frame = reader.next_frame(&mut bytes).map_err(|error| broken(path, error))?;
    let samples = frame.color_type.samples();
    let channels = if samples < 3 { 1 } else { 3 };
    if samples != channels {
        bytes = bytes.chunks_exact(samples).flat_map(|pixel| &pixel[..channels]).copied().collect();
    }
    Ok(Pixels { height, width, channels, bytes })
}

fn jpeg(path: &Path, file: &[u8]) -> Result<Pixels, DataError> {
    let mut decoder =
        JpegDecoder::new_with_options(ZCursor::new(file), DecoderOptions::default().set_strict_mode(true));
    decoder.decode_headers().map_err(|error| broken(path, format!("{error:?}")))?;
    let (width, height) =
        decoder.info().map_or((0, 0), |info| (usize::from(info.width), usize::from(info.height)));
    check_shape(path, &[height, width, 4])?;
    let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let (channels, colours) = if grey { (1, ColorSpace::Luma) } else { (3, ColorSpace::RGB) };
    decoder.set_options(DecoderOptions::default().set_strict_mode(true).jpeg_set_out_colorspace(colours));
    let bytes = decoder.decode().map_err(|error| broken(path, format!("{error:?}")))?;
    match bytes.len() == height * width * channels {
        true => Ok(Pixels { height, width, channels, bytes }),
        false => Err(broken(path, format!("{} bytes for {height} x {width} x {channels}", bytes.len()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png_of(colour: png::ColorType, bytes: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, 2, 1);
        encoder.set_color(colour);
        encoder.write_header().unwrap().write_image_data(bytes).unwrap();
        file
    }

    #[test]
    fn transparency_is_dropped() {
        let decode = |file: Vec<u8>| Pixels::decode(Path::new("f.png"), &file).unwrap();
        let colour = decode(png_of(png::ColorType::Rgba, &[1, 2, 3, 255, 4, 5, 6, 0]));
        assert_eq!((colour.channels, colour.bytes), (3, vec![1, 2, 3, 4, 5, 6]));
        let grey = decode(png_of(png::ColorType::GrayscaleAlpha, &[7, 255, 8, 0]));
        assert_eq!((grey.height, grey.width, &grey.bytes[..]), (1, 2, &[7, 8][..]));
        assert_eq!(grey.in_colour().bytes, [7, 7, 7, 8, 8, 8]);
    }

    #[test]
    fn what_is_no_image_is_an_error() {
        let error = Pixels::decode(Path::new("f.png"), b"GIF89a").unwrap_err();
        assert!(error.to_string().contains("magic number"));
    }
}
