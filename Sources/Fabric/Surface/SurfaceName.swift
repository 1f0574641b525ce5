/// A file or object name, read as a surface name by the reconciled rules (`surface.md`, section 7).
///
/// Reading never fails: a name that is no surface has none.
public struct SurfaceName: Hashable, Sendable {
    /// How far a name keeps to the rules.
    public enum Conformance: String, Sendable {
        /// All of R1 to R5 hold.
        case conforming
        /// The four fields can be compared, but the time has another form, or there are more than five parts (R6).
        case tolerated
        /// Not a surface name.
        case none
    }

    /// Something worth recording about a name that is a surface nevertheless.
    public enum Note: String, Sendable, CaseIterable {
        /// `.tza` is spelled with upper-case letters (R2).
        case extensionCase = "extension-case"
        /// The name has 181 to 200 bytes, or a part has more than 32 (R7).
        case overlong
    }

    /// How far the name keeps to the rules.
    public let conformance: Conformance
    /// The four fields; nil when the name is no surface.
    public let surface: Surface?
    /// The fifth part, which is not in the manifest. The container suffix `.tza` is not an extension.
    public let `extension`: String?
    /// What is worth recording, in the order of `Note.allCases`; empty when the name is no surface.
    public let notes: [Note]

    /// Reads the last component of a path.
    ///
    /// - Parameter name: Its bytes as the file system has them, which need not be UTF-8.
    public init(parsing name: some Sequence<UInt8>) {
        let name = Array(name)
        guard Self.canCarrySurface(name) else {
            self = .absent
            return
        }
        let stem = Self.withoutContainerSuffix(name)
        let parts = stem.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count >= 4, let surface = Self.surface(parts), parts.count == 4 || Self.isExtension(parts[4]) else {
            self = .absent
            return
        }
        conformance = surface.hasCEPTime && parts.count <= 5 ? .conforming : .tolerated
        self.surface = surface
        `extension` = parts.count == 4 ? nil : String(decoding: parts[4], as: UTF8.self)
        let suffix = name.dropFirst(stem.count)
        let isOverlong = name.count > Self.preferredLength || parts.contains { $0.count > Self.preferredPartLength }
        notes = Note.allCases.filter { note in
            switch note {
            case .extensionCase: !suffix.isEmpty && Array(suffix) != Self.containerSuffix
            case .overlong: isOverlong
            }
        }
    }

    /// Reads the last component of a path.
    public init(parsing name: String) { self.init(parsing: name.utf8) }

    private init() {
        conformance = .none
        surface = nil
        `extension` = nil
        notes = []
    }

    private static let absent = SurfaceName()
    private static let containerSuffix = Array(".tza".utf8)
    private static let longestName = 200
    private static let preferredLength = 180
    private static let preferredPartLength = 32

    /// R1 and R8.
    private static func canCarrySurface(_ name: [UInt8]) -> Bool {
        guard (1...longestName).contains(name.count), let text = String(validating: name, as: UTF8.self) else {
            return false
        }
        return text.unicodeScalars.allSatisfy { scalar in
            scalar != "/" && scalar != "\\" && scalar.properties.generalCategory != .control
        }
    }

    /// R2: one suffix only, in any case.
    private static func withoutContainerSuffix(_ name: [UInt8]) -> ArraySlice<UInt8> {
        let ending = name.suffix(containerSuffix.count).map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
        return ending == containerSuffix ? name.dropLast(containerSuffix.count) : name[...]
    }

    /// R4 for the first four parts.
    private static func surface(_ parts: [ArraySlice<UInt8>]) -> Surface? {
        let texts = parts.prefix(4).map { String(decoding: $0, as: UTF8.self) }
        return Surface(timeFragment: texts[0], context: texts[1], profile: texts[2], priority: texts[3])
    }

    /// R4 for the fifth part. It is held to that in a longer name too; the parts after it are not looked at.
    private static func isExtension(_ part: ArraySlice<UInt8>) -> Bool {
        SurfaceGrammar.isPart(part, atMost: 48)
    }
}
