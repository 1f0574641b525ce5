internal import ArgumentParser
internal import Fabric

/// Whether signers have to be pinned.
struct PinOptions: ParsableArguments {
    @Flag(name: .long, help: "Refuse signers for whose name no key is pinned ('tcd trust add signer NAME KEY').")
    var requirePinned = false

    /// The pins as they are now.
    func signers() throws -> PinnedSigners { try PinnedSigners(mustBePinned: requirePinned) }
}
