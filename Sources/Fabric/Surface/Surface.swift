/// The four fields of a surface name: what anybody can see of an envelope without opening it (`surface.md`, section 1).
///
/// A hint for sorting and routing; the sealed manifest is the truth. Every value holds only `[a-z0-9-]`, so two of them
/// are equal exactly when their bytes are.
public struct Surface: Hashable, Sendable {
    /// When the envelope was made, as its writer put it; 1 to 48 bytes. Not necessarily one of CEP's forms.
    public let timeFragment: String
    /// What it is about; 1 to 48 bytes.
    public let context: String
    /// The semantic class of its content; 1 to 48 bytes. Says nothing about authenticity.
    public let profile: String
    /// How soon it wants attention; 1 to 32 bytes.
    public let priority: String

    /// A surface from its fields; nil when one is empty, too long, or holds anything but `[a-z0-9-]`
    /// (`surface.md`, section 7, R4).
    public init?(timeFragment: String, context: String, profile: String, priority: String) {
        let parts = [(timeFragment, 48), (context, 48), (profile, 48), (priority, 32)]
        guard parts.allSatisfy({ SurfaceGrammar.isPart($0.utf8, atMost: $1) }) else { return nil }
        self.timeFragment = timeFragment
        self.context = context
        self.profile = profile
        self.priority = priority
    }

    /// The value of one field.
    public subscript(field: SurfaceField) -> String {
        switch field {
        case .timeFragment: timeFragment
        case .context: context
        case .profile: profile
        case .priority: priority
        }
    }

    /// Whether the time fragment has one of CEP's three forms (`surface.md`, section 7, R5).
    public var hasCEPTime: Bool { SurfaceGrammar.isCEPTime(timeFragment.utf8) }

    /// The name `<time>.<context>.<profile>.<priority>.tza`; nil when it would begin with a hyphen, which no surface
    /// with one of CEP's times does.
    public var arrivalName: ArrivalName? { ArrivalName("\(timeFragment).\(context).\(profile).\(priority).tza") }
}

/// The four fields by name. The raw value is the manifest's key (`envelope.md`, section 3).
public enum SurfaceField: String, Sendable, CaseIterable {
    case timeFragment = "surface_time_fragment"
    case context = "surface_context"
    case profile = "surface_profile"
    case priority = "surface_priority"
}
