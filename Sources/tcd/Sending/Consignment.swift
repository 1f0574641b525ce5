internal import Fabric
internal import SystemPackage

/// What is to be sent: something to seal, or an envelope that was sealed before.
enum Consignment: Sendable {
    /// Something that is sealed now.
    case content(SealInput, Surface, SealOptions)
    /// The envelope in a file, which is sent as it is.
    case sealed(FilePath)

    /// Puts it into the outbox, durably, with an order for its delivery; without one it is a rehearsal, of which
    /// nothing stays. Blocks.
    ///
    /// - Parameter receiver: Who receives, where somebody vouches for it; an addressee that was asked for goes first.
    func put(
        into outbox: Outbox, signedBy sender: Identity, for receiver: RoutePlan.Receiver?, orders: [DeliveryOrder],
        showing bar: ProgressBar
    ) throws -> SealedEntry {
        switch self {
        case .sealed(let path):
            return try outbox.enqueue(path, orders: orders)
        case .content(let input, let surface, var options):
            guard let name = surface.arrivalName else { throw UsageError("the surface gives no usable name") }
            if let receiver { options.address(to: receiver) }
            let sealer = Sealer(key: sender.key, options: options) { bar.update($0, of: $1) }
            return try outbox.seal(input, as: name, with: sealer, at: options.time, orders: orders)
        }
    }
}

extension SealOptions {
    /// Fills in the addressee, unless one was named.
    fileprivate mutating func address(to receiver: RoutePlan.Receiver) {
        if receiverName == SealOptions.unaddressedName { receiverName = receiver.name }
        if receiverKey == Manifest.unaddressedKey, let key = receiver.key { receiverKey = key.hex }
    }
}
