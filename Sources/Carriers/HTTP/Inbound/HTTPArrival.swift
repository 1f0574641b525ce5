public import Fabric

/// One envelope that was delivered to a listener and is in the lane now.
///
/// An envelope that was in the lane before arrives as well, with the outcome `duplicate`, so that an owner that failed
/// to process it can do so now. Telling what was processed already is the owner's task.
public struct HTTPArrival: Sendable, Equatable {
    /// What was known about the sender when the envelope was published.
    public enum Authentication: Sendable, Equatable {
        /// No `Authorization` came.
        case none
        /// One came that proves nothing: malformed, out of the window, of a key that is not listed, or not belonging
        /// to these bytes. Only seen where no signature is required (`http-inbox.md`, section 6, row 8).
        case invalid
        /// The holder of `key` signed these bytes. `claim` is the DID that came beside it, which nothing vouches for.
        case valid(key: PublicKey, claim: String?)
    }

    /// The stored object: the requested and the stored name, digest and size, and whether it was there before.
    public let publication: Publication
    /// What was known about the sender.
    public let authentication: Authentication
    /// The address that the connection came from, for example `192.0.2.7:51234`; nil when the system does not tell.
    public let remoteAddress: String?
    /// When it was published, or found to be there already.
    public let date: Timestamp
    /// The number of leading bytes that an earlier connection had brought; all of them where an announcement was
    /// answered because the envelope was there.
    public let resumedFrom: Int64

    /// The name that the sender asked for; what surface comparison and audit use.
    public var requestedName: ArrivalName { publication.requestedName }
}
