package import Fabric

/// Why a request brought no answer.
package enum RequestFailure: Error, Sendable {
    /// libcurl gave up: its code, and its own words for people.
    case curl(code: UInt32, detail: String)
    /// The far side moved too few bytes for too long, or did not answer in time.
    case stalled
    /// The source of the body could not be read.
    case unreadable(SystemFailure)
    /// The source of the body ended before the announced size.
    case sourceEnded
    /// The caller cancelled.
    case cancelled
}
