/// Whether a name and a manifest tell the same story (`surface.md`, section 5). The raw values are the peers'.
public enum SurfaceStatus: String, Sendable, CaseIterable, CustomStringConvertible {
    /// Both are there, and all four fields are equal.
    case match = "MATCH"
    /// Both are there, and a field differs or is missing from the manifest.
    case mismatch = "MISMATCH"
    /// Only one of them is there.
    case partial = "PARTIAL"
    /// Neither is there.
    case none = "NONE"

    public var description: String { rawValue }
}

/// How much a mismatch matters (`surface.md`, section 5.1). Reported; it does not change what becomes of the envelope.
public enum MismatchClass: String, Sendable, CaseIterable {
    /// Only the time fragment or the priority differ, and neither side names a priority that selects a lane.
    case cosmetic
    /// The profile or context differ, or a side's priority is `heartbeat` or `sealed`.
    case routingRisk = "routing-risk"
}

/// The comparison of what a name shows with what the manifest says.
public struct SurfaceComparison: Sendable, Equatable {
    /// The outcome.
    public let status: SurfaceStatus
    /// The fields that differ, in the order of the name; empty unless the status is `mismatch`.
    public let differences: [SurfaceField]
    /// How much the mismatch matters; nil unless the status is `mismatch`.
    public let mismatchClass: MismatchClass?

    /// Compares the fields of a name, or nil where it has none, with those of a manifest. Texts are equal when their
    /// bytes are.
    public init(name: Surface?, manifest: ManifestSurface) {
        guard let name, manifest.isPresent else {
            status = name == nil && !manifest.isPresent ? .none : .partial
            differences = []
            mismatchClass = nil
            return
        }
        let differences = SurfaceField.allCases.filter { !ManifestSurface.sameBytes(name[$0], manifest[$0]) }
        self.differences = differences
        status = differences.isEmpty ? .match : .mismatch
        mismatchClass = differences.isEmpty ? nil : Self.classify(differences, name: name, manifest: manifest)
    }

    /// Priorities that select a lane of their own.
    private static let lanePriorities = ["heartbeat", "sealed"]

    private static func classify(
        _ differences: [SurfaceField], name: Surface, manifest: ManifestSurface
    ) -> MismatchClass {
        let priorities = [name.priority, manifest.priority]
        let selectsLane = lanePriorities.contains { lane in
            priorities.contains { ManifestSurface.sameBytes($0, lane) }
        }
        return selectsLane || differences.contains(.profile) || differences.contains(.context)
            ? .routingRisk : .cosmetic
    }
}
