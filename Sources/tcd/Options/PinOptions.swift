internal import ArgumentParser
internal import Fabric

/// Whether signers have to be pinned.
struct PinOptions: ParsableArguments {
    @Flag(name: .long, help: "Refuse signers for whose name no key is pinned ('tcd trust add signer NAME KEY').")
    var requirePinned = false

    /// The policy by the pins as they are now.
    ///
    /// - Throws: `TrustError` when they cannot be read: nothing that needs them may then be done.
    func policy(receiver: TrustPolicy.Receiver = .unidentified) throws -> TrustPolicy {
        var policy = TrustPolicy(
            signers: try PinnedSigners(in: TrustStore(state: try HostDirectories.current().state())))
        policy.requiresPin = requirePinned
        policy.receiver = receiver
        return policy
    }
}
