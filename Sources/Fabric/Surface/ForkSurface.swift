/// Tells the envelopes of forks from others by their names, so that a mailbox can be asked for them alone. A name is its
/// sender's claim; whether an envelope holds a fork is said by its manifest.
package enum ForkSurface {
    /// What the surface context of a fork's envelope begins with.
    package static let contextPrefix = "fork-"

    /// Whether `name` is one that `tcd fork send` gives: `TIME.fork-….PROFILE.PRIORITY.tza`.
    package static func isNamed(_ name: String) -> Bool {
        name.split(separator: ".").dropFirst().first?.hasPrefix(contextPrefix) ?? false
    }
}
