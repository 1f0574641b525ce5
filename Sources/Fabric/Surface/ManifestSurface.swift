/// What a manifest says about the surface of its envelope: four texts, each of which may be missing.
///
/// Missing and null are the same (`surface.md`, section 6). The values are the sender's, and may hold anything.
public struct ManifestSurface: Sendable, Equatable {
    /// `surface_time_fragment`, or nil.
    public var timeFragment: String?
    /// `surface_context`, or nil.
    public var context: String?
    /// `surface_profile`, or nil.
    public var profile: String?
    /// `surface_priority`, or nil.
    public var priority: String?

    /// The four values; each nil where the manifest has none.
    public init(
        timeFragment: String? = nil, context: String? = nil, profile: String? = nil, priority: String? = nil
    ) {
        self.timeFragment = timeFragment
        self.context = context
        self.profile = profile
        self.priority = priority
    }

    /// The values that a sealer puts into the manifest, so that they repeat the name.
    public init(_ surface: Surface) {
        self.init(
            timeFragment: surface.timeFragment, context: surface.context, profile: surface.profile,
            priority: surface.priority)
    }

    /// The value of one field.
    public subscript(field: SurfaceField) -> String? {
        switch field {
        case .timeFragment: timeFragment
        case .context: context
        case .profile: profile
        case .priority: priority
        }
    }

    /// Whether the manifest has a surface at all: one value is enough (`surface.md`, section 5).
    public var isPresent: Bool { SurfaceField.allCases.contains { self[$0] != nil } }

    /// The name that the envelope should have by its manifest; nil when the values do not make a conforming name
    /// (`surface.md`, section 6).
    ///
    /// Ask only for the manifest of a container that was verified: the values of any other are nobody's word.
    ///
    /// - Parameter today: Its UTC date stands in for a missing time fragment.
    public func canonicalName(today: Timestamp) -> ArrivalName? {
        let surface = Surface(
            timeFragment: timeFragment ?? today.surfaceDate, context: context ?? "untitled",
            profile: profile ?? "tibet", priority: priority ?? "normal")
        guard let surface, surface.hasCEPTime else { return nil }
        return surface.arrivalName
    }

    /// Whether the envelope lies under another name than its manifest gives it; false when the manifest gives none
    /// (`surface.md`, section 6).
    public func isRenamed(onDisk name: some Sequence<UInt8>, today: Timestamp) -> Bool {
        guard let canonical = canonicalName(today: today) else { return false }
        return !canonical.text.utf8.elementsEqual(name)
    }

    public static func == (left: ManifestSurface, right: ManifestSurface) -> Bool {
        SurfaceField.allCases.allSatisfy { Self.sameBytes(left[$0], right[$0]) }
    }

    /// Equality of bytes: `String` would take differently composed letters for the same.
    static func sameBytes(_ left: String?, _ right: String?) -> Bool {
        switch (left, right) {
        case (nil, nil): true
        case (let left?, let right?): left.utf8.elementsEqual(right.utf8)
        default: false
        }
    }
}
