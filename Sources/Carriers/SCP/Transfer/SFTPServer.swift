internal import CSSH2
internal import Fabric

/// The SFTP server at the far side, kept for as long as the connection.
///
/// @unchecked: used by the thread that uses its connection.
final class SFTPServer: @unchecked Sendable {
    let connection: SSHConnection
    let handle: OpaquePointer

    private init(_ connection: SSHConnection, _ handle: OpaquePointer) {
        self.connection = connection
        self.handle = handle
    }

    /// Starts the server; nil when the far side has none for this user.
    static func start(on connection: SSHConnection) throws(SSHFailure) -> SFTPServer? {
        let session = connection.session
        do throws(SSHFailure) {
            return SFTPServer(connection, try connection.open("starting SFTP") { libssh2_sftp_init(session) })
        } catch {
            guard case .code(let code, _) = error else { throw error }
            let isGone = [LIBSSH2_ERROR_SOCKET_SEND, LIBSSH2_ERROR_SOCKET_RECV, LIBSSH2_ERROR_SOCKET_DISCONNECT]
            if isGone.contains(code) { throw error }
            return nil
        }
    }

    /// Repeats `body` until it is done; a refusal by the server is thrown as its status.
    @discardableResult
    func call<Number: FixedWidthInteger>(
        _ doing: String, within limit: Duration? = nil, _ body: () -> Number
    ) throws(SSHFailure) -> Number {
        do throws(SSHFailure) { return try connection.call(doing, within: limit, body) } catch { throw status(error) }
    }

    /// Makes one call, which may have got nowhere yet: 0 then.
    func attempt(_ doing: String, _ body: () -> Int) throws(SSHFailure) -> Int {
        let result = body()
        guard result < 0 else { return result }
        let code = Int32(truncatingIfNeeded: result)
        guard code == LIBSSH2_ERROR_EAGAIN else { throw status(connection.failure(code, doing)) }
        return 0
    }

    /// Opens a file, closed by `close`.
    func open(_ path: String, flags: Int32, _ doing: String) throws(SSHFailure) -> OpaquePointer {
        let (handle, count) = (handle, UInt32(path.utf8.count))
        do throws(SSHFailure) {
            return try connection.open(doing) {
                libssh2_sftp_open_ex(handle, path, count, UInt(flags), 0o644, LIBSSH2_SFTP_OPENFILE)
            }
        } catch {
            throw status(error)
        }
    }

    /// Closes a file. That it cannot be closed changes nothing: what counts was stored before.
    func close(_ file: OpaquePointer) throws(SSHFailure) {
        do throws(SSHFailure) {
            try call("closing the file") { libssh2_sftp_close_handle(file) }
        } catch {
            guard case .status = error else { throw error }
        }
    }

    /// What the server knows of a path, without following a link; nil when nothing is there.
    func attributes(_ path: String) throws(SSHFailure) -> LIBSSH2_SFTP_ATTRIBUTES? {
        var attributes = LIBSSH2_SFTP_ATTRIBUTES()
        do throws(SSHFailure) {
            try call("looking at the directory") {
                libssh2_sftp_stat_ex(
                    handle, path, UInt32(path.utf8.count), LIBSSH2_SFTP_LSTAT, &attributes)
            }
            return attributes
        } catch {
            guard case .status(let status, _) = error, status == UInt(LIBSSH2_FX_NO_SUCH_FILE) else { throw error }
            return nil
        }
    }

    private func status(_ error: SSHFailure) -> SSHFailure {
        guard case .code(LIBSSH2_ERROR_SFTP_PROTOCOL, let doing) = error else { return error }
        let status = libssh2_sftp_last_error(handle)
        return status == 0 ? error : .status(UInt(status), during: doing)
    }
}
