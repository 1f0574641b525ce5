import CFuzzer
import Glibc
import SystemPackage

@testable import Fabric

/// The ways in which an attacker's bytes reach the reader.
///
/// A random change to an envelope dies at the signature, so only the first kind is an envelope as it is. The others
/// play an attacker who signs properly: anybody can make a key, and then choose manifest, blocks and names at will.
enum Attack: UInt8, CaseIterable {
    /// The input is a file.
    case file
    /// The input is a manifest, unsigned.
    case manifest
    /// The input is a signed block that claims to be a zstd frame; the first two bytes are its decoded size.
    case frame
    /// The input is a signed tar.
    case tar
    /// The input is a zstd-compressed, signed tar.
    case compressedTar
    /// The input is the names of signed blocks, separated by zero bytes.
    case names
    /// The input is a surface name.
    case surface

    func run(_ bytes: UnsafeRawBufferPointer) {
        switch self {
        case .file: Arena.verifyAndUnpack(Array(bytes))
        case .manifest: readManifest(bytes)
        case .frame: unpackFrame(bytes)
        case .tar: unpackTar(bytes, compressed: false)
        case .compressedTar: unpackTar(bytes, compressed: true)
        case .names: unpackNames(bytes)
        case .surface: compareSurface(bytes)
        }
    }

    /// What was read must encode to the same bytes again: only one spelling is ever accepted.
    private func readManifest(_ bytes: UnsafeRawBufferPointer) {
        guard let value = try? CBORDecoder.decode(bytes, mostValues: 10_000) else { return }
        precondition(CBOREncoder.encode(value).elementsEqual(bytes), "another spelling was accepted")
        _ = try? Manifest(reading: bytes, totalBlocks: 2, limits: .init())
    }

    private func unpackFrame(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 2 else { return }
        let content = Array(bytes[2...])
        // Now and then larger than what is held in memory, so that the streaming path is taken as well.
        let scale: UInt64 = bytes[0] & 1 == 0 ? 64 : 1 << 20
        let entry = SignedBlock(
            name: "a.zst", content: content, encoding: .zstd, decodedSize: UInt64(bytes[1]) * scale, contentName: "a")
        Arena.verifyAndUnpack(SignedBlock.envelope([entry], layout: .file))
    }

    private func unpackTar(_ bytes: UnsafeRawBufferPointer, compressed: Bool) {
        var content = Array(bytes)
        var size = UInt64(content.count)
        if compressed {
            let room = Memory(byteCount: Zstd.bound(content.count))
            guard let made = try? Arena.compressor.compress(bytes, into: room.bytes) else { return }
            size = UInt64(content.count)
            content = Array(room.read(made))
        }
        let entry = SignedBlock(
            name: "a.tar", content: content, encoding: compressed ? .zstd : .none, decodedSize: size,
            contentName: nil, decoded: compressed ? Array(bytes) : nil)
        Arena.verifyAndUnpack(SignedBlock.envelope([entry], layout: .tar))
    }

    private func unpackNames(_ bytes: UnsafeRawBufferPointer) {
        let names = bytes.split(separator: 0).prefix(8).map { String(decoding: $0, as: UTF8.self) }
        guard !names.isEmpty else { return }
        let entries = names.map {
            SignedBlock(name: $0, content: [1], encoding: .none, decodedSize: 1, contentName: nil)
        }
        Arena.verifyAndUnpack(SignedBlock.envelope(entries, layout: .files))
    }

    private func compareSurface(_ bytes: UnsafeRawBufferPointer) {
        let name = SurfaceName(parsing: bytes)
        _ = SurfaceComparison(name: name.surface, manifest: ManifestSurface())
        if let arrival = ArrivalName(String(decoding: bytes, as: UTF8.self)) {
            precondition(!arrival.text.contains("/") && !arrival.text.hasPrefix("."), "an unsafe name was accepted")
        }
    }
}
