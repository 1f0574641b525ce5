internal import ArgumentParser
internal import Fabric

/// For whom envelopes have to be.
struct ReceiverOptions: ParsableArguments {
    @Flag(
        name: .long,
        help: "Take envelopes that are addressed to another key than that of this machine's identity as well.")
    var anyReceiver = false

    /// Which envelopes are for this receiver.
    ///
    /// - Parameter directory: The identity; nil for that of this host. It is read, and never made.
    /// - Throws: `IdentityError` when there is an identity that cannot be used.
    func receiver(_ directory: IdentityDirectory? = nil) throws -> TrustPolicy.Receiver {
        if anyReceiver { return .any }
        // Without a home there is no identity that could be meant.
        guard let directory = directory ?? (try? HostDirectories.current().identity()) else {
            return .unidentified
        }
        do throws(IdentityError) {
            return .identity(try directory.load().publicKey)
        } catch {
            guard case .missing = error else { throw error }
            return .unidentified
        }
    }
}
