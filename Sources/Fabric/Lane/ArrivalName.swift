/// The name of one object in a lane, safe on every file system and in every shell.
///
/// 1 to 200 bytes of `[A-Za-z0-9._-]`, not beginning with a dot or a hyphen, without `..`, and not ending like a file
/// that is still being written (`http-inbox.md`, section 6, row 7; `daemon.md`, section 3).
public struct ArrivalName: Hashable, Sendable, CustomStringConvertible {
    /// The name itself.
    public let text: String

    public var description: String { text }

    /// Endings of files that a writer has not finished (`daemon.md`, section 3).
    public static let stagingExtensions = ["part", "tmp", "writing", "inflight"]

    /// A name from its text; nil when any rule is broken.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard (1...200).contains(bytes.count), bytes[0] != UInt8(ascii: "."), bytes[0] != UInt8(ascii: "-"),
            bytes.allSatisfy(Self.isAllowed)
        else { return nil }
        for index in bytes.indices.dropLast() where bytes[index] == UInt8(ascii: ".") {
            if bytes[index + 1] == UInt8(ascii: ".") { return nil }
        }
        let lowered = text.lowercased()
        guard !Self.stagingExtensions.contains(where: { lowered.hasSuffix("." + $0) }) else { return nil }
        self.text = text
    }

    /// The same name made unique by `digits`: inserted before a final `.tza`, where it is the fifth part of a surface
    /// name and keeps the first four; appended otherwise (`http-inbox.md`, section 6, row 4; `surface.md`, R10).
    public func distinguished(by digits: String) -> ArrivalName? {
        let suffix = ".tza"
        let stem = text.hasSuffix(suffix) ? String(text.dropLast(suffix.count)) : text
        let ending = text.hasSuffix(suffix) ? suffix : ""
        return ArrivalName(stem + "." + digits + ending)
    }

    /// The names that an object with this digest may have, in the order of preference: its own, then made unique by 8,
    /// 16 and all 64 digits of the digest, as far as they are not too long.
    public func candidates(for digest: Digest) -> [ArrivalName] {
        [self] + [8, 16, 64].compactMap { distinguished(by: String(digest.hex.prefix($0))) }
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
