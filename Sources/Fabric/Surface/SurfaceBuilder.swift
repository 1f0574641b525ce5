/// Makes the surface of a new envelope from what an operator wrote (`surface.md`, section 7, R9).
///
/// Letters become lower case, and `_` and space become `-`. Anything else outside `[a-z0-9-]` is refused rather than
/// dropped, so that nobody finds an envelope under a name that he did not choose.
public struct SurfaceBuilder: Sendable, Equatable {
    /// How the time fragment is made.
    public enum Time: Sendable, Equatable {
        /// `YYYYMMDDtHHMMSSz` of the moment of sealing. Names repeat least this way; it is the default.
        case second
        /// `YYYY-MM-DDtHH-MMz` of the moment of sealing.
        case minute
        /// `YYYY-MM-DD` of the moment of sealing, as the peers write it.
        case date
        /// What the operator wrote, which must have one of these three forms.
        case text(String)
    }

    /// How the time fragment is made.
    public var time: Time
    /// What the envelope is about; at most 32 bytes once normalised.
    public var context: String
    /// The semantic class of its content; at most 16 bytes once normalised.
    public var profile: String
    /// How soon it wants attention; at most 16 bytes once normalised. Unknown values count as `normal` at a receiver.
    public var priority: String

    /// A builder; what is not given is as `tcd send` has it (`daemon.md`, section 14).
    public init(
        time: Time = .second, context: String = "tcd-send", profile: String = "claude", priority: String = "normal"
    ) {
        self.time = time
        self.context = context
        self.profile = profile
        self.priority = priority
    }

    /// The surface, for the manifest and the name alike.
    ///
    /// - Parameter moment: When the envelope is sealed.
    /// - Throws: `empty`, `tooLong`, `illegalCharacter` or `badTime`, naming the field.
    public func surface(at moment: Timestamp = .now()) throws(SurfaceError) -> Surface {
        let fragment = try timeFragment(at: moment)
        let context = try Self.normalise(self.context, as: .context, limit: 32)
        let profile = try Self.normalise(self.profile, as: .profile, limit: 16)
        let priority = try Self.normalise(self.priority, as: .priority, limit: 16)
        let surface = Surface(timeFragment: fragment, context: context, profile: profile, priority: priority)
        // Normalised parts are within what a surface takes; only a clock beyond the year 9999 can get here.
        guard let surface, surface.hasCEPTime else { throw .badTime(fragment) }
        return surface
    }

    /// The name `<time>.<context>.<profile>.<priority>.tza`.
    ///
    /// - Parameter moment: When the envelope is sealed.
    /// - Throws: As `surface(at:)`.
    public func name(at moment: Timestamp = .now()) throws(SurfaceError) -> ArrivalName {
        let surface = try surface(at: moment)
        guard let name = surface.arrivalName else { throw .badTime(surface.timeFragment) }
        return name
    }

    private func timeFragment(at moment: Timestamp) throws(SurfaceError) -> String {
        switch time {
        case .second: return moment.surfaceCompact
        case .minute: return moment.surfaceMinute
        case .date: return moment.surfaceDate
        case .text(let text):
            let fragment = try? Self.normalise(text, as: .timeFragment, limit: 48)
            guard let fragment, SurfaceGrammar.isCEPTime(fragment.utf8) else { throw .badTime(text) }
            return fragment
        }
    }

    private static func normalise(
        _ text: String, as field: SurfaceField, limit: Int
    ) throws(SurfaceError) -> String {
        var bytes: [UInt8] = []
        for character in text {
            switch character.asciiValue {
            case UInt8(ascii: " "), UInt8(ascii: "_"): bytes.append(UInt8(ascii: "-"))
            case let upper? where (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(upper): bytes.append(upper | 0x20)
            // `asciiValue` takes CR LF for LF, which is outside the set as well.
            case let byte? where SurfaceGrammar.isAllowed(byte): bytes.append(byte)
            default: throw .illegalCharacter(field, character, in: text)
            }
        }
        guard !bytes.isEmpty else { throw .empty(field) }
        guard bytes.count <= limit else { throw .tooLong(field, count: bytes.count, limit: limit) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
